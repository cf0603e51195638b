-- The store's foundation. docs/data-model.md tells the story; the comments here say what each table is.

CREATE SCHEMA ref;
CREATE SCHEMA raw;
CREATE SCHEMA ops;

-- ---------------------------------------------------------------------------------------------- ref

CREATE TABLE ref.instruments (
    instrument_id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    venue text NOT NULL,
    product text NOT NULL,
    market_id text NOT NULL,
    first_seen_at timestamptz NOT NULL,
    UNIQUE (venue, product, market_id)
);
COMMENT ON TABLE ref.instruments IS
    'One row per market id of a venue''s product: the identity that survives every rename.';

CREATE TABLE ref.instrument_versions (
    instrument_id integer NOT NULL REFERENCES ref.instruments,
    valid_from timestamptz NOT NULL,
    valid_to timestamptz,
    symbol text NOT NULL,
    base text NOT NULL,
    quote text NOT NULL,
    price_increment numeric,
    amount_increment numeric,
    is_active boolean NOT NULL,
    listed_at timestamptz,
    PRIMARY KEY (instrument_id, valid_from),
    CHECK (valid_to IS NULL OR valid_to > valid_from)
);
CREATE UNIQUE INDEX instrument_versions_current ON ref.instrument_versions (instrument_id) WHERE valid_to IS NULL;
CREATE INDEX instrument_versions_symbol ON ref.instrument_versions (symbol);
COMMENT ON TABLE ref.instrument_versions IS
    'One row per instrument and period in which the venue described it so; valid_to is null for the present.';

CREATE TABLE ref.series (
    series_id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    instrument_id integer NOT NULL REFERENCES ref.instruments,
    dataset text NOT NULL CHECK (dataset IN ('candles')),
    timeframe text NOT NULL,
    price_type text NOT NULL CHECK (price_type IN ('trade', 'mark', 'index')),
    origin text NOT NULL CHECK (origin IN ('venue', 'built')),
    UNIQUE (instrument_id, dataset, timeframe, price_type, origin)
);
COMMENT ON TABLE ref.series IS
    'One row per instrument, dataset, timeframe, price type and origin: the integer in every key.';

CREATE VIEW ref.current_series AS
SELECT
    series.series_id,
    series.instrument_id,
    series.dataset,
    series.timeframe,
    series.price_type,
    series.origin,
    instruments.venue,
    instruments.product,
    instruments.market_id,
    versions.symbol,
    versions.is_active,
    versions.listed_at
FROM ref.series
INNER JOIN ref.instruments USING (instrument_id)
INNER JOIN ref.instrument_versions AS versions USING (instrument_id)
WHERE versions.valid_to IS NULL;
COMMENT ON VIEW ref.current_series IS 'One row per series, under the name its instrument has now.';

-- ---------------------------------------------------------------------------------------------- ops: ingests

CREATE SEQUENCE ops.ingest_ids AS bigint;

CREATE TABLE ops.ingests (
    ingest_id bigint PRIMARY KEY,
    run_id text NOT NULL,
    source text NOT NULL CHECK (source IN ('rest', 'ws', 'built', 'import', 'gate')),
    series_id integer NOT NULL REFERENCES ref.series,
    span tstzrange NOT NULL,
    observed_at timestamptz NOT NULL,
    committed_at timestamptz NOT NULL,
    count_received integer NOT NULL,
    count_inserted integer NOT NULL,
    count_revised integer NOT NULL,
    count_rejected integer NOT NULL
);
CREATE INDEX ingests_series_observed ON ops.ingests (series_id, observed_at);
CREATE UNIQUE INDEX ingests_committed ON ops.ingests (committed_at);
-- "the last ingest of this series at T", asked by every answer `as_of` T
CREATE INDEX ingests_series_committed ON ops.ingests (series_id, committed_at) INCLUDE (ingest_id);
COMMENT ON TABLE ops.ingests IS
    'One row per write transaction: what was asked, when it was observed, and its place in the order of commits.';
COMMENT ON COLUMN ops.ingests.ingest_id IS
    'Drawn under the lock of the series: within one series ids follow the order of commits.';
COMMENT ON COLUMN ops.ingests.committed_at IS
    'Drawn under the lock of the commit order and strictly increasing: whoever sees one ingest sees all before it.';

-- ---------------------------------------------------------------------------------------------- raw

CREATE TABLE raw.candles (
    series_id integer NOT NULL,
    open_time timestamptz NOT NULL,
    open numeric NOT NULL,
    high numeric NOT NULL,
    low numeric NOT NULL,
    close numeric NOT NULL,
    volume numeric NOT NULL,
    quote_volume numeric,
    trade_count bigint,
    observed_at timestamptz NOT NULL,
    ingest_id bigint NOT NULL,
    PRIMARY KEY (series_id, open_time)
) PARTITION BY RANGE (open_time);
COMMENT ON TABLE raw.candles IS 'One row per closed candle as first seen. Never updated.';

CREATE TABLE raw.candles_revisions (
    series_id integer NOT NULL,
    open_time timestamptz NOT NULL,
    observed_at timestamptz NOT NULL,
    open numeric NOT NULL,
    high numeric NOT NULL,
    low numeric NOT NULL,
    close numeric NOT NULL,
    volume numeric NOT NULL,
    quote_volume numeric,
    trade_count bigint,
    is_superseded boolean NOT NULL,
    ingest_id bigint NOT NULL,
    PRIMARY KEY (series_id, open_time, observed_at)
);
COMMENT ON TABLE raw.candles_revisions IS
    'One row per later observation that differs from the latest one before it. Never updated.';
COMMENT ON COLUMN raw.candles_revisions.is_superseded IS
    'The observation arrived late: a newer one of the same candle was already known. It never becomes the latest.';

CREATE TABLE raw.rejects (
    reject_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    series_id integer NOT NULL REFERENCES ref.series,
    open_time timestamptz,
    reason text NOT NULL,
    detail text NOT NULL,
    payload text NOT NULL,
    payload_hash text GENERATED ALWAYS AS (md5(payload)) STORED,
    first_observed_at timestamptz NOT NULL,
    last_observed_at timestamptz NOT NULL,
    count_seen integer NOT NULL DEFAULT 1,
    ingest_id bigint NOT NULL,
    UNIQUE (series_id, reason, payload_hash)
);
COMMENT ON TABLE raw.rejects IS
    'One row per distinct thing a venue sent that could not be understood, whole, with the reason.';

-- ---------------------------------------------------------------------------------------------- ops: ledger

CREATE TABLE ops.coverage (
    series_id integer NOT NULL REFERENCES ref.series,
    span tstzrange NOT NULL CHECK (NOT isempty(span) AND lower_inc(span) AND NOT upper_inc(span)),
    status text NOT NULL CHECK (
        status IN (
            'complete', 'empty_market', 'exchange_outage', 'our_outage', 'unrecoverable', 'unverified', 'pending'
        )
    ),
    cause text NOT NULL DEFAULT '',
    attempts integer NOT NULL DEFAULT 0,
    retry_at timestamptz,
    evidence jsonb NOT NULL DEFAULT '{}',
    ingest_id bigint NOT NULL,
    -- int4range stands in for the equality of btree_gist, which the embedded server does not ship
    CONSTRAINT coverage_never_overlaps
    EXCLUDE USING gist (int4range(series_id, series_id, '[]') WITH &&, span WITH &&)
);
CREATE INDEX coverage_series ON ops.coverage (series_id, lower(span));
CREATE INDEX coverage_retry ON ops.coverage (retry_at) WHERE retry_at IS NOT NULL;
COMMENT ON TABLE ops.coverage IS
    'The ledger: what is known of each stretch of each series. What no row covers is unknown, that is: to fetch.';

CREATE TABLE ops.coverage_history (
    LIKE ops.coverage,
    replaced_by_ingest_id bigint NOT NULL
);
CREATE INDEX coverage_history_series ON ops.coverage_history (series_id, replaced_by_ingest_id);
COMMENT ON TABLE ops.coverage_history IS 'One row per ledger entry that a later ingest replaced.';

-- ---------------------------------------------------------------------------------------------- ops: the gate

CREATE TABLE ops.dirty_slices (
    series_id integer NOT NULL REFERENCES ref.series,
    day date NOT NULL,
    version bigint NOT NULL,
    marked_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (series_id, day)
);
COMMENT ON TABLE ops.dirty_slices IS
    'One row per series and UTC day whose raw rows changed since they were last published; version is the last ingest.';

CREATE TABLE ops.frozen_slices (
    series_id integer NOT NULL REFERENCES ref.series,
    day date NOT NULL,
    version bigint NOT NULL,
    source_series_id integer NOT NULL REFERENCES ref.series,
    PRIMARY KEY (series_id, day)
);
COMMENT ON TABLE ops.frozen_slices IS
    'One row per slice the running publication works on: raw rows with ingest_id <= version, no more and no less.';
COMMENT ON COLUMN ops.frozen_slices.source_series_id IS
    'The series whose raw rows make the slice: itself, or for a built series the one-minute series it is built from.';

CREATE TABLE ops.slice_verdicts (
    series_id integer NOT NULL REFERENCES ref.series,
    day date NOT NULL,
    version bigint NOT NULL,
    is_passed boolean NOT NULL,
    count_rows integer NOT NULL,
    count_failed integer NOT NULL,
    count_warned integer NOT NULL,
    count_expected integer NOT NULL,
    quality numeric NOT NULL CHECK (quality BETWEEN 0 AND 1),
    run_id text NOT NULL,
    decided_at timestamptz NOT NULL,
    published_at timestamptz,
    PRIMARY KEY (series_id, day, version)
);
COMMENT ON TABLE ops.slice_verdicts IS
    'One row per slice and version the gate judged; published_at is when the marts came to show it.';

-- "what was published last", asked by every answer: a publication changes what is served, as an ingest does
CREATE INDEX slice_verdicts_published ON ops.slice_verdicts (published_at);

CREATE TABLE ops.row_verdicts (
    series_id integer NOT NULL REFERENCES ref.series,
    open_time timestamptz NOT NULL,
    version bigint NOT NULL,
    rule text NOT NULL,
    severity text NOT NULL CHECK (severity IN ('block', 'warn')),
    detail text NOT NULL,
    PRIMARY KEY (series_id, open_time, version, rule)
);
COMMENT ON TABLE ops.row_verdicts IS
    'One row per candle, slice version and rule it broke. severity block: it is not served; warn: it is, marked.';

-- ---------------------------------------------------------------------------------------------- ops: the rest

CREATE TABLE ops.bans (
    venue text NOT NULL,
    scope text NOT NULL,
    until timestamptz NOT NULL,
    reason text NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (venue, scope)
);
COMMENT ON TABLE ops.bans IS 'One row per venue and limit that shut us out, kept here because Redis may be lost.';

CREATE TABLE ops.backfill_requests (
    request_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    venue text NOT NULL,
    symbols text [] NOT NULL,
    timeframes text [] NOT NULL,
    span tstzrange NOT NULL,
    is_forced boolean NOT NULL DEFAULT FALSE,
    requested_by text NOT NULL,
    status text NOT NULL DEFAULT 'queued'
    CHECK (status IN ('queued', 'running', 'done', 'failed', 'cancelled')),
    count_expected bigint NOT NULL DEFAULT 0,
    count_done bigint NOT NULL DEFAULT 0,
    count_requests integer NOT NULL DEFAULT 0,
    run_id text,
    error text,
    created_at timestamptz NOT NULL DEFAULT now(),
    started_at timestamptz,
    updated_at timestamptz,
    finished_at timestamptz
);
CREATE INDEX backfill_requests_open ON ops.backfill_requests (request_id) WHERE status IN ('queued', 'running');
COMMENT ON TABLE ops.backfill_requests IS
    'One row per range a user asked for. is_forced asks the venue again for what is already known.';

CREATE TABLE ops.deployment (
    is_only_row boolean PRIMARY KEY DEFAULT TRUE CHECK (is_only_row),
    is_simulated boolean NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE ops.deployment IS 'Exactly one row: whether this database holds simulated or real data. Never changed.';
