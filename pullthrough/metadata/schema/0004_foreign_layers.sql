-- Where a layer that no registry need have is to be had: a JSON list of URLs. Empty for
-- every other link.
ALTER TABLE link ADD COLUMN urls TEXT NOT NULL DEFAULT '';
