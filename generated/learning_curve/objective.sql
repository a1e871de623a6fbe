-- What similar means (cited_in_answer), from the raw tables to training pairs and judgments.
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
select 'source_rows', count(*) from sources.answers;

-- Another seed gives another split.
create macro seed() as 0;

-- What is held out to report on and to choose by, in ten thousandths.
create macro test_share() as 2000;
create macro dev_share() as 1000;

-- Queries are cut in three; every document is known.
create macro side_of(query_unit, document_unit, value, moment) as case
    when bucket('anchor/' || seed() || '/' || query_unit) < test_share() then 'test'
    when bucket('anchor/' || seed() || '/' || query_unit) < test_share() + dev_share() then 'dev'
    else 'train'
end;

create macro role_of(unit) as 'known';

-- A passage that an answer cites is relevant to its question; one that was retrieved and not cited is not.
create view answers as
select
    r.question::varchar as query_text,
    coalesce(r.retrieved::varchar[], []) as retrieved,
    coalesce(r.cited::varchar[], []) as cited,
    null::timestamp as moment,
    null::varchar as side
from sources.answers as r;

-- One row a passage of an answer; one that was cited and never retrieved has no rank.
create table passages as
with numbered as (
    select row_number() over () as answer, * from answers
), retrieved as (
    select answer, unnest(retrieved) as item_id, generate_subscripts(retrieved, 1) as rank from numbered
), ranked as (
    select answer, item_id, min(rank) as rank from retrieved group by all
), cited as (
    select distinct answer, unnest(cited) as item_id from numbered
)
select
    n.answer,
    n.query_text,
    coalesce(r.item_id, c.item_id) as item_id,
    c.item_id is not null as is_cited,
    r.rank,
    max(case when c.item_id is not null then r.rank end) over (partition by n.answer) as last_cited,
    n.moment,
    n.side
from ranked as r
full join cited as c on c.answer = r.answer and c.item_id is not distinct from r.item_id
join numbered as n on n.answer = coalesce(r.answer, c.answer);

create view evidence as
select null::varchar as query_id, query_text, item_id, is_cited::integer as grade, 1 as weight, moment, side
from passages;

-- The lists that were retrieved.
create view lists as
select answer as list, query_text, item_id, rank, moment, side
from passages
where rank is not null;

create view notes as
select 'answers' as what, count(*) as amount from answers
union all
select 'answers_without_passages', count(*) from answers where retrieved = [] and cited = []
union all
select 'passages', count(*) from passages
union all
select 'passages_repeated', (select coalesce(sum(len(retrieved)), 0)::bigint from answers) - (select count(rank) from passages)
union all
select 'cited_and_never_retrieved', count(*) from passages where is_cited and rank is null;

-- The documents: the corpus, by id.
create table documents as
select (row_number() over (order by doc_id) - 1)::integer as doc, doc_id, text, role_of(unit) as role, number
from items
where item_id = doc_id;

-- Texts that differ in case and blanks alone are one query; those that differ in punctuation alone fall on one side.
create macro query_key(text) as lower(trim(regexp_replace(text, '\s+', ' ', 'g')));
create macro query_unit(text) as coalesce(
    nullif(lower(trim(regexp_replace(text, '[^\pL\pN]+', ' ', 'g'))), ''), query_key(text)
);

create table questions as
with texts as (
    select query_key(query_text) as key, min(query_id) as given_id, min(trim(query_text)) as text
    from evidence
    where query_text is not null
    group by key
)
select
    (row_number() over (order by key) - 1)::integer as query,
    key,
    coalesce(given_id, md5(key)[:12]) as query_id,
    text,
    null::integer as doc
from texts
where key <> '';

-- The rows, by the numbers of query and document, each on its side of the split. A table of its own: a condition on both
-- ends, pushed into these joins, would have them compare every document with every other.
create table named as
select
    side_of(query_unit(e.query_text), i.unit, e.side, e.moment) as fold,
    q.query,
    d.doc,
    e.grade,
    e.weight
from evidence as e
join questions as q on q.key = query_key(e.query_text)
join items as i on i.item_id = e.item_id
join documents as d on d.number = i.number;

-- What is known of a query and a document on one side of the split; the best that was seen counts.
create table known as
select fold, query, doc, max(grade)::integer as grade, sum(weight)::double as weight
from named
where fold is not null
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

-- What was there and was not chosen, for a query that has something chosen.
create table negatives as
select k.query, k.doc, k.weight
from known as k
where k.fold = 'train' and k.grade = 0 and k.weight > 0;

-- Every pair is drawn once an epoch.
create table training as
select query as anchor, doc as positive
from positives;

-- The same with negatives: the heaviest of the query's own.
create table contrasted as
with chosen as (
    select p.query, p.doc, n.doc as negative
    from positives as p
    join negatives as n on n.query = p.query
    qualify row_number() over (partition by p.query, p.doc order by n.weight desc, hash(n.doc), n.doc) <= 1
)
select t.anchor, t.positive, c.negative
from training as t
join chosen as c on c.query = t.anchor and c.doc = t.positive;

-- Judgments of the queries that do not train.
create table qrels as
select fold as split, query, doc, grade
from known
where fold in ('dev', 'test') and grade > 0;

-- What the product itself ranked for the test queries: a document's 1 / rank, added up over the lists of its query.
create table logged as
with ranked as (
    select q.query, d.doc, l.list, row_number() over (partition by q.query, l.list order by min(l.rank), d.doc) as rank
    from lists as l
    join questions as q on q.key = query_key(l.query_text)
    join items as i on i.item_id = l.item_id
    join documents as d on d.number = i.number
    where side_of(query_unit(l.query_text), i.unit, l.side, l.moment) = 'test'
    group by q.query, d.doc, l.list
)
select query, doc, sum(1 / rank) as score
from ranked
group by query, doc;

create table popularity as
select doc, count(*) as seen
from relevant
group by doc;

-- What became of the rows, for the checks: all that were left out, by reason, and those that were kept.
create table summary as
with fates as (
    select
        case
            when coalesce(query_key(e.query_text), '') = '' then 'rows_without_query'
            when i.item_id is null then 'rows_without_document'
            when side_of(query_unit(e.query_text), i.unit, e.side, e.moment) is null then 'rows_on_no_side'
            else 'rows_kept'
        end as fate
    from evidence as e
    left join items as i on i.item_id = e.item_id
)
select 'rows' as what, count(*) as amount from evidence
union all
select fate, count(*) from fates group by fate
union all
select 'known_' || fold || case when grade > 0 then '_positive' else '_negative' end, count(*)
from known
group by all
union all
select what, amount from notes
union all
select what, amount from readings
union all
select 'first_moment', epoch_us(min(moment)) from evidence having min(moment) is not null
union all
select 'last_moment', epoch_us(max(moment)) from evidence having max(moment) is not null;
