import { defaultOf } from '@distillery/spec/configuration';

/** The settings UPLOAD_*; undefined means the default. */
export interface UploadSettings {
  /** The most bytes of one file. */
  uploadBytes?: number | undefined;
  /** The most bytes of an owner. */
  uploadQuota?: number | undefined;
  /** Hours for which an upload is kept after its last byte. */
  uploadHours?: number | undefined;
}

/** What the settings mean. */
export interface UploadRules {
  mostBytes: number;
  quotaBytes: number;
  keepMs: number;
}

export function uploadRules(settings: UploadSettings): UploadRules {
  return {
    mostBytes: settings.uploadBytes ?? defaultOf('uploadBytes'),
    quotaBytes: settings.uploadQuota ?? defaultOf('uploadQuota'),
    keepMs: 60 * 60 * 1000 * (settings.uploadHours ?? defaultOf('uploadHours')),
  };
}
