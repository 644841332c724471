-- To whom what it tells is owed, as its source asked for when it came: facts name their record.
alter table raw_records add column attribution text;
