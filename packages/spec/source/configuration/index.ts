export { ConfigurationError } from './configuration-error.ts';
export { environmentOf, printable } from './encode.ts';
export { readFlags } from './flags.ts';
export { misspeltVariables } from './misspelt-variables.ts';
export { endWith, loadConfiguration } from './program.ts';
export {
  type Configuration,
  defaultOf,
  type Environment,
  type Flags,
  readConfiguration,
  settingsOf,
} from './read.ts';
export { type Program, programs, type Setting } from './setting.ts';
export { type SettingName, settings } from './settings.ts';
export { folderUrl } from './store-url.ts';
export { byteSize, duration, oneOf, type ValueType, wholeNumber } from './value-types.ts';
