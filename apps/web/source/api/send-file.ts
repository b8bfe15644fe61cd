import { problemOf, unreachable } from './problem.ts';

/**
 * Sends a file as one upload and returns its id. XMLHttpRequest tells how much has been sent, which fetch does not.
 *
 * @param onProgress called with the share that has been sent, 0 to 1
 * @throws Problem as `send` does
 */
export function sendFile(
  file: File,
  onProgress: (share: number) => void,
  signal: AbortSignal,
): Promise<string> {
  return new Promise((resolve, reject) => {
    const sending = new XMLHttpRequest();
    sending.open('PUT', `/v1/uploads/${encodeURIComponent(file.name)}`);
    sending.setRequestHeader('accept', 'application/json');
    sending.setRequestHeader('content-type', 'application/octet-stream');
    sending.upload.onprogress = ({ loaded, total }) => onProgress(total === 0 ? 0 : loaded / total);
    sending.onerror = () => reject(unreachable());
    sending.onabort = () => reject(signal.reason);
    sending.onload = () => {
      const { status, responseText } = sending;
      if (status < 300) return resolve((JSON.parse(responseText) as { id: string }).id);
      problemOf(new Response(responseText, { status })).then(reject, reject);
    };
    signal.addEventListener('abort', () => sending.abort(), { once: true });
    sending.send(file);
  });
}
