-- Which replica does which part of the work that replicas share, and which of them are there.
CREATE TABLE member (
  holder text PRIMARY KEY,
  backend integer NOT NULL,
  backend_start timestamptz NOT NULL,
  until timestamptz NOT NULL
);

CREATE TABLE share (
  part integer PRIMARY KEY,
  holder text NOT NULL REFERENCES member ON DELETE CASCADE
);
