-- The record is written and read. Who may change it is the owner alone, in the function that erases a person's addresses.
revoke update, delete, truncate on audit_log from viralcast_work;
