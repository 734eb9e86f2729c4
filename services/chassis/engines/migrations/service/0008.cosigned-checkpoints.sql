-- Checkpoints of the transparency log as witnesses have cosigned them (services/chassis/audit/cosigning.py): the newest one,
-- and the newest that enough of them have cosigned.
CREATE TABLE audit_cosigned (
  epoch integer NOT NULL,
  size bigint NOT NULL,
  note bytea NOT NULL,
  PRIMARY KEY (epoch, size)
);
