-- Outcomes are read, not kept: what was published before a day began, beside what is known of the day now. A copy would have to be
-- made anew with every correction, and nothing ever wrote one.
drop table prediction_outcomes;
