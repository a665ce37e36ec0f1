import postgresFirst from "./postgres/0000_first.sql" with { type: "text" };
import postgresSubscriptions from "./postgres/0001_subscriptions.sql" with { type: "text" };
import postgresTax from "./postgres/0002_tax.sql" with { type: "text" };
import postgresMessages from "./postgres/0003_messages.sql" with { type: "text" };
import postgresReferralsAndPromo from "./postgres/0004_referrals_and_promo.sql" with { type: "text" };
import postgresPrivacy from "./postgres/0005_privacy.sql" with { type: "text" };
import postgresEdges from "./postgres/0006_edges.sql" with { type: "text" };
import postgresTraces from "./postgres/0007_traces.sql" with { type: "text" };
import postgresProgramVersions from "./postgres/0008_program_versions.sql" with { type: "text" };
import postgresActingScheduler from "./postgres/0009_acting_scheduler.sql" with { type: "text" };
import postgresPanel from "./postgres/0010_panel.sql" with { type: "text" };
import postgresFigureUnits from "./postgres/0011_figure_units.sql" with { type: "text" };
import postgresAudienceCounts from "./postgres/0012_audience_counts.sql" with { type: "text" };
import postgresGrowthIndexes from "./postgres/0013_growth_indexes.sql" with { type: "text" };
import postgresReferenceIndexes from "./postgres/0014_reference_indexes.sql" with { type: "text" };
import sqliteFirst from "./sqlite/0000_first.sql" with { type: "text" };
import sqliteSubscriptions from "./sqlite/0001_subscriptions.sql" with { type: "text" };
import sqliteTax from "./sqlite/0002_tax.sql" with { type: "text" };
import sqliteMessages from "./sqlite/0003_messages.sql" with { type: "text" };
import sqliteReferralsAndPromo from "./sqlite/0004_referrals_and_promo.sql" with { type: "text" };
import sqlitePrivacy from "./sqlite/0005_privacy.sql" with { type: "text" };
import sqliteEdges from "./sqlite/0006_edges.sql" with { type: "text" };
import sqliteTraces from "./sqlite/0007_traces.sql" with { type: "text" };
import sqliteProgramVersions from "./sqlite/0008_program_versions.sql" with { type: "text" };
import sqliteActingScheduler from "./sqlite/0009_acting_scheduler.sql" with { type: "text" };
import sqlitePanel from "./sqlite/0010_panel.sql" with { type: "text" };
import sqliteFigureUnits from "./sqlite/0011_figure_units.sql" with { type: "text" };
import sqliteAudienceCounts from "./sqlite/0012_audience_counts.sql" with { type: "text" };
import sqliteGrowthIndexes from "./sqlite/0013_growth_indexes.sql" with { type: "text" };
import sqliteReferenceIndexes from "./sqlite/0014_reference_indexes.sql" with { type: "text" };

/**
 * The steps of the schema in both dialects, carried inside the program as text. `bun run generate` writes the files;
 * each is added here by hand, once read. `test/database/migrations.test.ts` finds a forgotten one.
 */
export const migrations = {
  sqlite: [
    { name: "0000_first", statements: sqliteFirst },
    { name: "0001_subscriptions", statements: sqliteSubscriptions },
    { name: "0002_tax", statements: sqliteTax },
    { name: "0003_messages", statements: sqliteMessages },
    { name: "0004_referrals_and_promo", statements: sqliteReferralsAndPromo },
    { name: "0005_privacy", statements: sqlitePrivacy },
    { name: "0006_edges", statements: sqliteEdges },
    { name: "0007_traces", statements: sqliteTraces },
    { name: "0008_program_versions", statements: sqliteProgramVersions },
    { name: "0009_acting_scheduler", statements: sqliteActingScheduler },
    { name: "0010_panel", statements: sqlitePanel },
    { name: "0011_figure_units", statements: sqliteFigureUnits },
    { name: "0012_audience_counts", statements: sqliteAudienceCounts },
    { name: "0013_growth_indexes", statements: sqliteGrowthIndexes },
    { name: "0014_reference_indexes", statements: sqliteReferenceIndexes },
  ],
  postgres: [
    { name: "0000_first", statements: postgresFirst },
    { name: "0001_subscriptions", statements: postgresSubscriptions },
    { name: "0002_tax", statements: postgresTax },
    { name: "0003_messages", statements: postgresMessages },
    { name: "0004_referrals_and_promo", statements: postgresReferralsAndPromo },
    { name: "0005_privacy", statements: postgresPrivacy },
    { name: "0006_edges", statements: postgresEdges },
    { name: "0007_traces", statements: postgresTraces },
    { name: "0008_program_versions", statements: postgresProgramVersions },
    { name: "0009_acting_scheduler", statements: postgresActingScheduler },
    { name: "0010_panel", statements: postgresPanel },
    { name: "0011_figure_units", statements: postgresFigureUnits },
    { name: "0012_audience_counts", statements: postgresAudienceCounts },
    { name: "0013_growth_indexes", statements: postgresGrowthIndexes },
    { name: "0014_reference_indexes", statements: postgresReferenceIndexes },
  ],
} as const;
