import { huggingface } from './huggingface.ts';
import type { Naming } from './naming.ts';
import { torchvision } from './torchvision.ts';

/**
 * The namings that differ from ours. Our own names are those of PyTorch code for each architecture: RepDistiller's and mdistiller's for
 * convolutional networks, timm's for vision transformers.
 */
export const namings: readonly Naming[] = [torchvision, huggingface];
