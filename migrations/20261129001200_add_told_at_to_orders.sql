-- When a source that says so last spoke of the order, also if it said nothing new: an older word that comes late does not count.
alter table orders add column told_at timestamptz;
