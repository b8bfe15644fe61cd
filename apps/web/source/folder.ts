/** The folder of the built page, beside the sources and beside the compiled files. */
export const pageFolder = new URL('../page/', import.meta.url);
