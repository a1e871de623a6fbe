-- Of the answers that train, the rows of `amount` are left, as if no more had been collected; parts.py runs this before objective.sql.
-- The order is the seed's: a smaller part lies within every larger one.
create table parts.left_out as
select unit
from parts.units
qualify row_number() over (order by md5(getvariable('seed') || '/' || unit), unit) > getvariable('amount');

alter view sources.answers rename to _whole;

create view sources.answers as
select r.*
from sources._whole as r
where not exists (from parts.left_out as l where l.unit = concat_ws(' ', r.question::varchar, r.retrieved::varchar, r.cited::varchar));
