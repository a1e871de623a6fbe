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
    select item_id, text, item_id as unit, count(*) as seen
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

-- Groups are cut in three, whole; every document is known. What has no group is left out.
create macro side_of(query_unit, document_unit, value, moment) as case
    when value is null then null
    when bucket('group/' || seed() || '/' || value) < test_share() then 'test'
    when bucket('group/' || seed() || '/' || value) < test_share() + dev_share() then 'dev'
    else 'train'
end;

create macro role_of(unit) as 'known';

-- What texts share that a reader takes for one: case and punctuation aside.
create macro form_of(text) as coalesce(nullif(lower(trim(regexp_replace(text, '[^\pL\pN]+', ' ', 'g'))), ''), text);

-- The rows of each text, with their class and their side of the split.
create table given as
with rows as (
    select request_id::varchar as item_id, nullif(trim(r.topic::varchar), '') as label, r.customer::varchar as side
    from sources.requests as r
)
select i.doc_id as id, r.label, r.side, side_of(form_of(i.text), form_of(i.text), r.side, null::timestamp) as split
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

-- A text that the data have on several sides is held out: where it would train, or choose, it is left out.
create table sides as
select
    t.id,
    (t.split = 'train' and (f.tests or f.chooses)) or (t.split = 'dev' and f.tests) as left_out
from texts as t
join (
    select form, bool_or(split = 'test') as tests, bool_or(split = 'dev') as chooses
    from texts
    where label is not null and split is not null
    group by form
) as f on f.form = t.form;

create table rows as
select t.split, t.id, t.text, t.label
from texts as t
join sides as s on s.id = t.id and not s.left_out
where t.label is not null and t.split is not null;

-- How many texts of each class there are, and how many of them train.
create table classes as
select
    label,
    count(*) filter (split = 'train') as train,
    count(*) filter (split = 'train') as drawn,
    count(*) filter (split = 'dev') as dev,
    count(*) filter (split = 'test') as test
from rows
group by label;

create view questions as
select (row_number() over (order by id) - 1)::integer as query, id as query_id, text
from rows
where split = 'test';

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

-- Which queries are drawn together when intervals are made: a query of several groups counts to the one with most of its rows.
create table clusters as
with found as (
    select q.query, g.side as value
    from questions as q
    join given as g on g.id = q.query_id
), counted as (
    select query, value, count(*) as times from found where value is not null group by query, value
)
select query, arg_max(value, (times, value)) as cluster, count(*) as among
from counted
group by query;
