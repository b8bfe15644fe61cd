import { useEffect, useState } from 'preact/hooks';

const narrow = matchMedia('(max-width: 720px)');

/** Whether the page is as narrow as on a phone, for what is not only styled differently but another view. */
export function usePhone(): boolean {
  const [phone, setPhone] = useState(narrow.matches);
  useEffect(() => {
    const listen = () => setPhone(narrow.matches);
    narrow.addEventListener('change', listen);
    return () => narrow.removeEventListener('change', listen);
  }, []);
  return phone;
}
