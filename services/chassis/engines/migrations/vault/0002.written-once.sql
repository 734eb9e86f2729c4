-- A reference is written once: an accepted command's event refers to it for ever, and nobody else's words may ever be
-- found there. A record that was forgotten or swept leaves its reference behind, empty.
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'the vault writes a record once' USING ERRCODE = 'integrity_constraint_violation';
END $$;

CREATE TRIGGER records_never_changed BEFORE UPDATE ON records FOR EACH ROW
  WHEN ((NEW.ref, NEW.stream, NEW.kept_at, NEW.slot) IS DISTINCT FROM (OLD.ref, OLD.stream, OLD.kept_at, OLD.slot)
    OR NEW.record NOT IN (OLD.record, '') OR NEW.settled < OLD.settled)
  EXECUTE FUNCTION refuse_change();

CREATE TRIGGER records_never_deleted BEFORE DELETE OR TRUNCATE ON records FOR EACH STATEMENT
  EXECUTE FUNCTION refuse_change();

CREATE TRIGGER keys_never_changed BEFORE UPDATE ON keys FOR EACH ROW EXECUTE FUNCTION refuse_change();

-- Of two that replaced a record at once, one could leave its key behind. Now that nobody can do so any more.
DELETE FROM keys WHERE NOT EXISTS (SELECT 1 FROM records WHERE records.slot = keys.slot);
