/** A file in the artifact store, as a `path` names it. */
export interface StoredFile {
  /** The SHA-256 of its content in hexadecimal. */
  digest: string;
  /** Its name, whose extension may tell what it is. */
  name: string;
}

const pattern = /^stored:([0-9a-f]{64})\/([^/\0]+)$/;

/** The `path` of a file in the artifact store: `stored:<digest>/<name>`. */
export function storedPath({ digest, name }: StoredFile): string {
  return `stored:${digest}/${name}`;
}

/** The file that a `path` names; undefined for a path of the file system. */
export function storedFile(path: string): StoredFile | undefined {
  const [, digest, name] = pattern.exec(path) ?? [];
  return digest === undefined || name === '.' || name === '..' ? undefined : { digest, name };
}

/** A path as people know it. */
export function shownPath(path: string): string {
  return storedFile(path)?.name ?? path;
}

/** The stored files that were opened, by the path of their local file. */
const opened = new Map<string, StoredFile>();

/** Notes that a local file has the content of a stored one, so that its digest identifies it wherever it lies. */
export function noteLocalFile(path: string, file: StoredFile): void {
  opened.set(path, file);
}

/** The stored file whose content a local file has. */
export function storedContent(path: string): StoredFile | undefined {
  return opened.get(path);
}
