/** The library: what describes models and runs, in one SQLite file. Weights and codes stay in their folders. */
import type { Database } from 'better-sqlite3';
import { AnalysesTable } from './analyses-table.ts';
import { BudgetsTable } from './budgets-table.ts';
import { CalibrationsTable } from './calibrations-table.ts';
import { ColumnStatisticsTable } from './column-statistics-table.ts';
import { EvaluationsTable } from './evaluations-table.ts';
import { ExportsTable } from './exports-table.ts';
import { ModelsTable } from './models-table.ts';
import { openDatabase } from './open-database.ts';
import { RunsTable } from './runs-table.ts';
import { SensitivitiesTable } from './sensitivities-table.ts';
import { SettingsTable } from './settings-table.ts';
import { storeErrors } from './store-errors.ts';

export type { StoredAnalysis } from './analyses-table.ts';
export type { CalibratingRun, CalibrationId } from './calibrations-table.ts';
export { summaryOf } from './column-statistics-table.ts';
export type { ColumnSizes, StatisticsEntry, StoredStatistics } from './column-statistics-table.ts';
export type { ColumnCounts } from './outlier-counts-table.ts';
export type { NewModel, StoredModel } from './models-table.ts';
export type { NewRun, RunChange, SettableState } from './runs-table.ts';

/**
 * Opens the library's file, or makes it, and brings it to the present version; a file with content is backed up before, as
 * `<name>.v<version>.backup` beside it. Several processes may have it open.
 *
 * @param file absolute path; its folder is made where it is not there
 * @throws ClaqError store/newer-version, store/damaged, library/in-use, output/disk-full, output/not-writable
 */
export function openStore(file: string): Store {
  return new Store(openDatabase(file));
}

/** Every call may throw ClaqError store/damaged, library/in-use and output/disk-full. */
export class Store {
  readonly models: ModelsTable;
  readonly runs: RunsTable;
  readonly exports: ExportsTable;
  readonly evaluations: EvaluationsTable;
  readonly settings: SettingsTable;
  readonly columnStatistics: ColumnStatisticsTable;
  readonly analyses: AnalysesTable;
  readonly calibrations: CalibrationsTable;
  readonly sensitivities: SensitivitiesTable;
  readonly budgets: BudgetsTable;
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
    this.models = new ModelsTable(database);
    this.exports = new ExportsTable(database);
    this.runs = new RunsTable(database, this.exports);
    this.evaluations = new EvaluationsTable(database);
    this.settings = new SettingsTable(database);
    this.columnStatistics = new ColumnStatisticsTable(database);
    this.analyses = new AnalysesTable(database);
    this.calibrations = new CalibrationsTable(database);
    this.sensitivities = new SensitivitiesTable(database);
    this.budgets = new BudgetsTable(database);
  }

  /** Does all of it or, where something is thrown, none. Not for work that waits for anything. */
  transaction<T>(work: () => T): T {
    return storeErrors(this.#database.name, () => this.#database.transaction(work).immediate());
  }

  close(): void {
    this.#database.close();
  }
}
