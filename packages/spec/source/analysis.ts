import { z } from 'zod';

const binSchema = z.object({
  confidence: z.number().describe('The mean probability of the predicted class; 0 in an empty bin.'),
  accuracy: z.number().describe('The share of right predictions; 0 in an empty bin.'),
  count: z.number().int().describe('The number of predictions in the bin.'),
});
/** Predictions of similar confidence. */
export type CalibrationBin = z.output<typeof binSchema>;

/** What the predictions of a network for the test set show. */
export const predictionAnalysisSchema = z.object({
  classAccuracy: z
    .array(z.number().nullable())
    .describe('The share of right predictions for each class; null for a class without a test sample.'),
  confusion: z
    .array(z.array(z.number().int()))
    .nullable()
    .describe('`[class][predicted class]`: how often; null for more than 200 classes.'),
  reliability: z
    .array(binSchema)
    .describe(
      '15 bins of equal width by confidence, as the expected calibration error of the report uses them.',
    ),
});
export type PredictionAnalysis = z.output<typeof predictionAnalysisSchema>;

const networkAnalysisSchema = predictionAnalysisSchema.extend({
  stage: z.string().describe('The id of the stage that trained or scored the network.'),
  role: z.enum(['teacher', 'student']),
  name: z.string().describe('The name of the teacher or the student.'),
  seed: z.number().int().nullable().describe('The seed of the student; null for a teacher.'),
  checkpoint: z.literal('best').describe('The weights: those of the best validation epoch.'),
});

export const analysisSchema = z.object({
  classes: z.array(z.string()).describe('The names of the classes, in the order of all lists.'),
  networks: z
    .array(networkAnalysisSchema)
    .describe('The networks that have been trained so far, in the order of the stages.'),
});
/** How the networks of a job answer on the test set, class by class. */
export type Analysis = z.output<typeof analysisSchema>;
