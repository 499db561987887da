-- Run once, as the superuser, on a new server: a database and a role per service, and no role may open another's database.
-- The passwords come from the environment of psql; a missing one ends the run.
\set ON_ERROR_STOP on
\getenv partners_password PARTNERS_DB_PASSWORD
\getenv initiatives_password INITIATIVES_DB_PASSWORD
\getenv notifications_password NOTIFICATIONS_DB_PASSWORD

CREATE ROLE partners LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE PASSWORD :'partners_password';
CREATE ROLE initiatives LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE PASSWORD :'initiatives_password';
CREATE ROLE notifications LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE PASSWORD :'notifications_password';

CREATE DATABASE partners OWNER partners;
CREATE DATABASE initiatives OWNER initiatives;
CREATE DATABASE notifications OWNER notifications;

-- Everybody may open any database unless told otherwise; the owner keeps the right.
REVOKE CONNECT, TEMPORARY ON DATABASE partners, initiatives, notifications, postgres, template1 FROM PUBLIC;
