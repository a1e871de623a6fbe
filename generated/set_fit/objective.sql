-- Which text is of which class (labelled), from the raw tables to texts that train, choose and report.
-- DuckDB's dialect; prepare.py runs it.

-- A stable number from 0 to 9999 for a text: the same id falls on the same side next month.
create macro bucket(key) as ('0x' || md5(key)[:8])::ubigint % 10000;

-- The collection: one row an id, its text made from its columns; ids with one text are one document.
create view collection as
select
    request_id::varchar as item_id,
    trim(regexp_replace(concat(
            nullif(trim(message::varchar), '')
        ), '\s+', ' ', 'g')) as text
from sources.requests;

create table items as
with variants as (
    select item_id, text, lower(trim(regexp_replace(text, '[^\pL\pN]+', ' ', 'g'))) as unit, count(*) as seen
    from collection
    where item_id is not null and text <> ''
    group by all
), named as (
    select item_id, arg_max(text, (seen, text)) as text, arg_max(unit, (seen, text)) as unit, sum(seen)::bigint as seen
    from variants
    group by item_id
), merged as (
    select
        item_id,
        min(item_id) over (partition by text) as doc_id,
        text,
        min(unit) over (partition by text) as unit,
        seen
    from named
)
select item_id, doc_id, text, unit, seen, dense_rank() over (order by doc_id)::integer as number
from merged;

-- What became of the rows that were read, for the checks.
create view readings as
with given as (
    select count(*) as amount, count(*) filter (where item_id is null) as without_id from collection
), used as (
    select coalesce(sum(seen), 0)::bigint as amount, count(*) as ids, count(distinct doc_id) as documents from items
)
select 'collection_rows' as what, amount from given
union all
select 'collection_rows_without_id', without_id from given
union all
select 'collection_rows_without_text', given.amount - without_id - used.amount from given, used
union all
select 'collection_rows_of_a_repeated_id', amount - ids from used
union all
select 'collection_ids_with_the_text_of_another', ids - documents from used
union all
select 'collection_documents', documents from used
union all
select 'source_rows', count(*) from sources.requests;

-- Another seed gives another split.
create macro seed() as 0;

-- What is held out to report on and to choose by, in ten thousandths.
create macro test_share() as 5000;
create macro dev_share() as 1000;

create macro role_of(unit) as case
    when bucket('item/' || seed() || '/' || unit) < test_share() then 'test'
    when bucket('item/' || seed() || '/' || unit) < test_share() + dev_share() then 'dev'
    else 'train'
end;

-- Held-out documents do not train, on neither end; as queries they are judged against all others.
create macro side_of(query_unit, document_unit, value, moment) as case
    when role_of(query_unit) <> 'train' then role_of(query_unit)
    when role_of(document_unit) = 'train' then 'train'
end;

-- What texts share that a reader takes for one: case and punctuation aside.
create macro form_of(text) as coalesce(nullif(lower(trim(regexp_replace(text, '[^\pL\pN]+', ' ', 'g'))), ''), text);

-- The rows of each text, with their class and their side of the split.
create table given as
with rows as (
    select request_id::varchar as item_id, nullif(trim(r.topic::varchar), '') as label, null::varchar as side
    from sources.requests as r
)
select i.doc_id as id, r.label, side_of(i.unit, i.unit, r.side, null::timestamp) as split
from rows as r
join items as i on i.item_id = r.item_id;

-- One row a text: the class that most of its rows name, on the side that holds it back most.
create table texts as
with named as (
    select id, label, count(*) as times from given where label is not null group by id, label
), classed as (
    select id, arg_max(label, (times, label)) as label, count(*) as labels from named group by id
), sided as (
    select
        id,
        case
            when bool_or(split = 'test') then 'test'
            when bool_or(split = 'dev') then 'dev'
            when bool_or(split = 'train') then 'train'
        end as split
    from given
    group by id
)
select i.doc_id as id, i.text, form_of(i.text) as form, c.label, coalesce(c.labels, 0) as labels, s.split
from items as i
join sided as s on s.id = i.doc_id
left join classed as c on c.id = i.doc_id
where i.item_id = i.doc_id;

create view disputed as
select t.id, t.text, g.label, count(*) as times
from texts as t
join given as g on g.id = t.id
where t.labels > 1 and g.label is not null
group by t.id, t.text, g.label;

create table rows as
select t.split, t.id, t.text, t.label
from texts as t
where t.label is not null and t.split is not null;

-- How many texts of each class there are, and how many of them train.
create table classes as
select
    label,
    count(*) filter (split = 'train') as train,
    least(count(*) filter (split = 'train'), 8) as drawn,
    count(*) filter (split = 'dev') as dev,
    count(*) filter (split = 'test') as test
from rows
group by label;

-- What became of the texts, for the checks: all that were left out, by reason, and those that were kept.
create table summary as
select
    case
        when t.label is null then 'texts_without_class'
        when t.split is null then 'texts_on_no_side'
        else 'texts_left_out_for_a_held_out_text'
    end as what,
    count(*) as amount
from texts as t
where t.id not in (select id from rows)
group by what
union all
select 'texts_' || split, count(*) from rows where split <> 'train' group by split
union all
select 'texts_train', coalesce(sum(drawn), 0)::bigint from classes
union all
select 'texts_unused', coalesce(sum(train - drawn), 0)::bigint from classes
union all
select 'texts_of_several_classes', count(*) from texts where labels > 1
union all
select what, amount from readings;
