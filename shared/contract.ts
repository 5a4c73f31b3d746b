/**
 * Every call that a window, a browser or a command can make of the service: what goes in, what comes out, how it fails. Each
 * host carries the same calls (message port, WebSocket, direct), and the service implements them once.
 */
import { eventIterator, oc } from '@orpc/contract';
import { z } from 'zod';
import { activityIdSchema, activitySchema } from './activity.ts';
import { doctorReportSchema, doctorRequestSchema } from './doctor.ts';
import { downloadRequestSchema } from './download-request.ts';
import { plainErrorSchema } from './errors.ts';
import { folderListingSchema, licenceSchema, programInfoSchema } from './host.ts';
import { modelCardSchema, modelIdSchema } from './library.ts';
import { keptTensorsSchema } from './model-bytes.ts';
import { preflightSchema } from './preflight.ts';
import { exportTargetSchema } from './exports.ts';
import { setupRemovalSchema, setupRequestSchema } from './requests.ts';
import {
  exportCardSchema,
  exportIdSchema,
  exportSourceSchema,
  runCardSchema,
  runDetailSchema,
  runEventSchema,
  runIdSchema,
  runRequestSchema,
} from './runs.ts';
import { foretoldBudgetSchema, foretoldClassesSchema, foretoldColumnsSchema } from './foretold-columns.ts';
import { benefitBudgetSchema, benefitCurvesSchema, lossProfileSchema } from './loss-profile.ts';
import { modelSensitivitySchema } from './sensitivity.ts';
import { savedBudgetDraftSchema, savedBudgetIdSchema, savedBudgetSchema } from './saved-budgets.ts';
import { settingsChangeSchema, settingsSchema } from './settings.ts';
import {
  columnRequestSchema,
  columnViewSchema,
  entriesRequestSchema,
  entriesSchema,
  matrixAddressSchema,
  matrixStatisticsSchema,
  outlierOrdersSchema,
  statisticsEventSchema,
} from './statistics.ts';

/** The one error of every call: a ClaqError as plain data. Anything else is a fault of the program and arrives without details. */
const base = oc.errors({ CLAQ: { status: 422, data: plainErrorSchema } });

/** What a list shows is out of date: ask again. */
export const CHANGE_TOPICS = ['models', 'runs', 'settings', 'budgets', 'statistics'] as const;
export const changeSchema = z.strictObject({ topic: z.enum(CHANGE_TOPICS) });
export type Change = z.infer<typeof changeSchema>;

const nothing = z.void();
const ofModel = z.strictObject({ id: modelIdSchema });
const ofRun = z.strictObject({ id: runIdSchema });
const path = z.string().min(1).max(4096);
/** One of OUTLIER_LEVELS; another S is answered for the nearest of them. */
const level = z.number().gt(0).max(1000);
const begun = z.strictObject({ activity: activityIdSchema });

const exportChoice = z.strictObject({
  of: exportSourceSchema,
  target: exportTargetSchema,
  folder: path.optional(),
});

export const contract = {
  program: {
    info: base.output(programInfoSchema),
    /** Names, versions and licences of what the program is made of. */
    licences: base.output(z.array(licenceSchema)),
    /** What computes here, and what would make it faster. Takes seconds: each engine is tried. */
    doctor: base.input(doctorRequestSchema).output(doctorReportSchema),
    /** Sends a change whenever something in the library is another. */
    changes: base.output(eventIterator(changeSchema)),
  },
  settings: {
    get: base.output(settingsSchema),
    change: base.input(settingsChangeSchema).output(settingsSchema),
  },
  models: {
    list: base.output(z.array(modelCardSchema)),
    get: base.input(ofModel).output(modelCardSchema),
    /** What of it a packed export copies as it is; read from its files' headers now. */
    kept: base.input(ofModel).output(keptTensorsSchema),
    /** A folder that is in the library already gives that model. */
    addFolder: base.input(z.strictObject({ folder: path })).output(modelCardSchema),
    addDemo: base.output(modelCardSchema),
    /** Begins a download, which ends with a new model. The token is used for it alone, and not kept. */
    download: base.input(downloadRequestSchema).output(begun),
    /** Begins to measure its perplexity as it is; one that goes on is not begun twice. */
    evaluate: base.input(ofModel).output(begun),
    /** Begins to measure what its loss feels of errors in each matrix's output; one that goes on is not begun twice. */
    measureSensitivity: base.input(ofModel).output(begun),
    /** What was measured last. Null where nothing was, or of other weights than the model has now. */
    sensitivity: base.input(ofModel).output(modelSensitivitySchema.nullable()),
    /** Takes it out of the library, with its runs' entries. Files stay, unless a download of the program's own is to go too. */
    remove: base.input(ofModel.extend({ deleteDownload: z.boolean().default(false) })).output(nothing),
  },
  runs: {
    /** Latest first; of one model, or of all. */
    list: base.input(z.strictObject({ modelId: modelIdSchema.optional() })).output(z.array(runCardSchema)),
    get: base.input(ofRun).output(runDetailSchema),
    preflight: base.input(runRequestSchema).output(preflightSchema),
    /** Puts a run into the queue; it starts when the engine is free. */
    start: base.input(runRequestSchema).output(runCardSchema),
    /** Stops it, and frees the engine; what a block has finished is kept. */
    pause: base.input(ofRun).output(nothing),
    /** Puts a paused, cancelled, failed or interrupted run back into the queue, behind its last finished block. */
    resume: base.input(ofRun).output(nothing),
    cancel: base.input(ofRun).output(nothing),
    /** Moves a waiting run by places in the queue: -1 is one nearer to its turn. */
    move: base.input(ofRun.extend({ places: z.int().min(-1000).max(1000) })).output(nothing),
    /** Takes a run that is not active out of the library, with its folder where that is asked for. */
    remove: base.input(ofRun.extend({ deleteFolder: z.boolean() })).output(nothing),
    watch: base.input(ofRun).output(eventIterator(runEventSchema)),
    /** A run that a command made, complete or not, with its model. A folder that is in the library already gives that run. */
    addFolder: base.input(z.strictObject({ folder: path })).output(runCardSchema),
  },
  /** Outliers of a model's columns, from its weights alone. */
  statistics: {
    /** Begins to measure what is not measured yet; one that is at it goes on. Null where everything is known. */
    measure: base.input(ofModel).output(z.strictObject({ activity: activityIdSchema.nullable() })),
    watch: base.input(ofModel).output(eventIterator(statisticsEventSchema)),
    matrix: base.input(matrixAddressSchema).output(matrixStatisticsSchema),
    orders: base.input(ofModel.extend({ s: level })).output(outlierOrdersSchema),
    /** Read from the weights' file now. */
    entries: base.input(entriesRequestSchema).output(entriesSchema),
    column: base.input(columnRequestSchema).output(columnViewSchema),
  },
  budgets: {
    list: base.output(z.array(savedBudgetSchema)),
    /** In place of an earlier one of the same name. */
    save: base.input(savedBudgetDraftSchema).output(savedBudgetSchema),
    remove: base.input(z.strictObject({ id: savedBudgetIdSchema })).output(nothing),
    /** Begins to measure every column's errors, what is not measured yet; needed once a model for the calls below. */
    analyse: base.input(ofModel).output(z.strictObject({ activity: activityIdSchema.nullable() })),
    /** Null where the model is not analysed. */
    profile: base.input(ofModel.extend({ s: level })).output(lossProfileSchema.nullable()),
    benefit: base
      .input(ofModel.extend({ budgets: z.array(benefitBudgetSchema).max(64) }))
      .output(benefitCurvesSchema.nullable()),
    /** Null where the model is not analysed. */
    foretell: base.input(ofModel.extend(foretoldBudgetSchema.shape)).output(foretoldClassesSchema.nullable()),
    foretellColumns: base
      .input(ofModel.extend(foretoldBudgetSchema.shape))
      .output(foretoldColumnsSchema.nullable()),
  },
  exports: {
    /** Begins an export of a complete run, or of a packed model. Without a folder it goes into the source's own. */
    start: base.input(exportChoice).output(begun),
    list: base.input(z.strictObject({ of: exportSourceSchema })).output(z.array(exportCardSchema)),
    /** Deletes what an export that was cancelled has left for the next one like it. */
    discard: base.input(exportChoice).output(nothing),
    /** Takes it out of the list, with its folder where that is asked for. */
    remove: base.input(z.strictObject({ id: exportIdSchema, deleteFolder: z.boolean() })).output(nothing),
  },
  engine: {
    setUp: base.input(setupRequestSchema).output(begun),
    remove: base.input(setupRemovalSchema).output(z.strictObject({ bytes: z.number() })),
  },
  activities: {
    /** All that go on, and those that ended since they were last dismissed; again at each change, 60 times a second at most. */
    watch: base.output(eventIterator(z.array(activitySchema))),
    cancel: base.input(z.strictObject({ id: activityIdSchema })).output(nothing),
    /** Forgets one that has ended. */
    dismiss: base.input(z.strictObject({ id: activityIdSchema })).output(nothing),
  },
  files: {
    /** What lies in a folder of the service's machine; without one, in the home folder. */
    list: base.input(z.strictObject({ folder: path.optional() })).output(folderListingSchema),
  },
};
