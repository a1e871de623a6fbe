-- The answers that train, each by its name; parts.py runs this after objective.sql.
select distinct concat_ws(' ', r.question::varchar, r.retrieved::varchar, r.cited::varchar) as unit
from sources.answers as r
where side_of(query_unit(r.question::varchar), null, null::varchar, null::timestamp) = 'train' and concat_ws(' ', r.question::varchar, r.retrieved::varchar, r.cited::varchar) is not null;
