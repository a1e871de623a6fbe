-- What similar means (linked), from the raw tables to training pairs and judgments.
-- DuckDB's dialect; prepare.py runs it.

-- A stable number from 0 to 9999 for a text: the same id falls on the same side next month.
create macro bucket(key) as ('0x' || md5(key)[:8])::ubigint % 10000;

-- The collection: one row an id, its text made from its columns; ids with one text are one document.
create view collection as
select
    article_id::varchar as item_id,
    ltrim(trim(regexp_replace(concat(
            nullif(trim(title::varchar), ''),
            '. ' || nullif(trim(text::varchar), '')
        ), '\s+', ' ', 'g')), ' ,;:|/-') as text
from sources.articles;

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
select 'source_rows', count(*) from sources.links;

-- Another seed gives another split.
create macro seed() as 0;

-- What is held out to report on and to choose by, in ten thousandths.
create macro test_share() as 2500;
create macro dev_share() as 1500;

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

-- A document is relevant to the one that links to it.
-- A link holds both ways.
create view evidence as
with links as (
    select article_id::varchar as a, see_also::varchar as b, null::timestamp as moment, null::varchar as side
    from sources.links as r
)
select a as query_id, b as item_id, 1 as grade, 1 as weight, moment, side from links
union all
select b as query_id, a as item_id, 1 as grade, 1 as weight, moment, side from links;

-- The documents: the corpus, by id. Each may be a query.
create table documents as
select (row_number() over (order by doc_id) - 1)::integer as doc, doc_id, text, role_of(unit) as role, unit, number
from items
where item_id = doc_id;

create table questions as
select doc as query, doc_id as query_id, text, doc
from documents;

-- The rows, by the numbers of query and document, each on its side of the split. A table of its own: a condition on both
-- ends, pushed into these joins, would have them compare every document with every other.
create table named as
select
    side_of(a.unit, b.unit, e.side, e.moment) as fold,
    a.doc as query,
    b.doc,
    e.grade,
    e.weight
from evidence as e
join items as q on q.item_id = e.query_id
join documents as a on a.number = q.number
join items as i on i.item_id = e.item_id
join documents as b on b.number = i.number;

-- What is known of two documents on one side of the split; the best that was seen counts.
create table known as
select fold, query, doc, max(grade)::integer as grade, sum(weight)::double as weight
from named
where query <> doc and fold is not null
group by fold, query, doc;

-- What is relevant to the queries that train.
create view relevant as
select query, doc, grade, weight
from known
where fold = 'train' and grade >= 1;

-- What trains: the best documents of each query.
create table positives as
select *
from relevant
qualify row_number() over (partition by query order by grade desc, weight desc, hash(doc), doc) <= 20;

-- Every pair is drawn once an epoch.
create table training as
select query as anchor, doc as positive
from positives;

-- Judgments of the queries that do not train.
create table qrels as
select fold as split, query, doc, grade
from known
where fold in ('dev', 'test') and grade > 0;

create table popularity as
select doc, count(*) as seen
from relevant
group by doc;

create view partners as
select query as doc, doc as partner, weight as together, 1 + weight as lift
from relevant;

-- What became of the rows, for the checks: all that were left out, by reason, and those that were kept.
create table summary as
with fates as (
    select
        case
            when e.query_id is null then 'rows_without_query'
            when i.item_id is null then 'rows_without_document'
            when q.item_id is null then 'rows_without_query'
            when q.doc_id = i.doc_id then 'rows_of_a_document_with_itself'
            when side_of(q.unit, i.unit, e.side, e.moment) is null then 'rows_on_no_side'
            else 'rows_kept'
        end as fate
    from evidence as e
    left join items as i on i.item_id = e.item_id
    left join items as q on q.item_id = e.query_id
)
select 'rows' as what, count(*) as amount from evidence
union all
select fate, count(*) from fates group by fate
union all
select 'known_' || fold || case when grade > 0 then '_positive' else '_negative' end, count(*)
from known
group by all
union all
select what, amount from readings
union all
select 'first_moment', epoch_us(min(moment)) from evidence having min(moment) is not null
union all
select 'last_moment', epoch_us(max(moment)) from evidence having max(moment) is not null;
