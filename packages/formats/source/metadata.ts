import { DistilleryError } from '@distillery/spec';
import { z } from 'zod';

const schema = z.record(z.string(), z.string());

/** Reads the metadata that formats without a place of their own keep as a file. @throws DistilleryError `artifact_corrupt` */
export function readMetadata(file: Uint8Array): Record<string, string> {
  try {
    return schema.parse(JSON.parse(new TextDecoder().decode(file)));
  } catch (cause) {
    throw new DistilleryError('artifact_corrupt', 'the metadata of the file are not texts by name', {
      cause,
    });
  }
}
