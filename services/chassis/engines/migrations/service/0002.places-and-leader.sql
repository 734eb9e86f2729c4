-- A topic may have several partitions. What was saved before is of the embedded bus, which has one, and in it a place
-- is a position. The old table stays for services of the version before, which may still run.
CREATE TABLE consumer_places (
  bus text NOT NULL,
  topic text NOT NULL,
  partition integer NOT NULL,
  place bigint NOT NULL,
  position bigint NOT NULL,
  PRIMARY KEY (bus, topic, partition)
);

INSERT INTO consumer_places SELECT 'embedded', topic, 0, through, through FROM consumer_positions;

-- Which replica does what one alone must do.
CREATE TABLE leader (
  one boolean PRIMARY KEY DEFAULT true CHECK (one),
  holder text NOT NULL,
  backend integer NOT NULL,
  backend_start timestamptz NOT NULL,
  until timestamptz NOT NULL
);
