-- A database a service, which nobody else's role may even connect to. Run once, on an empty volume.
\getenv password SERVICES_PASSWORD

CREATE ROLE referral LOGIN PASSWORD :'password';
CREATE ROLE casefile LOGIN PASSWORD :'password';
CREATE ROLE notifications LOGIN PASSWORD :'password';

CREATE DATABASE referral OWNER referral;
CREATE DATABASE casefile OWNER casefile;
CREATE DATABASE notifications OWNER notifications;

REVOKE ALL ON DATABASE referral, casefile, notifications FROM PUBLIC;
