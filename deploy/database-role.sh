#!/bin/bash
# Makes the role that the servers use to connect. The role owns the database and every table in it, and is no superuser.
# Postgres's image runs this script when it makes the database; docs/deploying.md says what to do with an existing database.
# You can run the script again: it sets the role's password to that of the secret.
psql --no-psqlrc --quiet --set ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" <<'END'
\set password `cat /run/secrets/database-password`

select 'create role limpet_server'
where not exists (select from pg_roles where rolname = 'limpet_server') \gexec
alter role limpet_server login nosuperuser nocreatedb nocreaterole noreplication nobypassrls password :'password';

select format('alter database %I owner to limpet_server', current_database()) \gexec
select format('revoke all on database %I from public', current_database()) \gexec
revoke all on schema public from public;

select format('alter table %I.%I owner to limpet_server', schemaname, tablename)
from pg_tables where schemaname = 'public' and tableowner <> 'limpet_server' \gexec
END
