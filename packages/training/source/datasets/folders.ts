/** The folder of the store with a manifest for each data set that people have uploaded. */
export const datasetsFolder = 'datasets';

/** The folder of the store with the profiles of these data sets, under the digest of file and options. */
export const profilesFolder = 'profiles';

/** The folder of the store with what is known of the data sets whose files are fetched from the web. */
export const fetchesFolder = 'fetches';
