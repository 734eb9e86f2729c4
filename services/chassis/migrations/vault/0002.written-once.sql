-- A reference is written once: an accepted command's event refers to it for ever, and nobody else's words may ever be
-- found there. A forgotten record leaves its reference behind, empty.
DELETE FROM keys WHERE slot NOT IN (SELECT slot FROM records);

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'the vault writes a record once' USING ERRCODE = 'integrity_constraint_violation';
END $$;

CREATE TRIGGER records_never_changed BEFORE UPDATE ON records FOR EACH ROW
  WHEN ((NEW.ref, NEW.stream, NEW.kept_at, NEW.slot) IS DISTINCT FROM (OLD.ref, OLD.stream, OLD.kept_at, OLD.slot)
    OR NEW.record NOT IN (OLD.record, ''))
  EXECUTE FUNCTION refuse_change();

CREATE TRIGGER records_never_deleted BEFORE DELETE ON records FOR EACH ROW WHEN (OLD.settled)
  EXECUTE FUNCTION refuse_change();

CREATE TRIGGER keys_never_changed BEFORE UPDATE ON keys FOR EACH ROW EXECUTE FUNCTION refuse_change();
