-- A database a service, which nobody else's role may even connect to. Run once, on an empty volume.
\getenv password SERVICES_PASSWORD

CREATE ROLE referral LOGIN PASSWORD :'password';
CREATE ROLE casefile LOGIN PASSWORD :'password';
CREATE ROLE notifications LOGIN PASSWORD :'password';
-- All three write the log of who read what, and read nothing else of each other's.
CREATE ROLE access LOGIN PASSWORD :'password';

CREATE DATABASE referral OWNER referral;
CREATE DATABASE casefile OWNER casefile;
CREATE DATABASE notifications OWNER notifications;
CREATE DATABASE access OWNER access;

REVOKE ALL ON DATABASE referral, casefile, notifications, access FROM PUBLIC;
