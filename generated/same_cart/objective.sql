-- What similar means (same_cart), from the raw tables to training pairs and judgments.
-- DuckDB's dialect; prepare.py runs it.

-- A stable number from 0 to 9999 for a text: the same id falls on the same side next month.
create macro bucket(key) as ('0x' || md5(key)[:8])::ubigint % 10000;

create schema joined;

-- Rows with the columns that another source has for their key; they come first and hide columns of the same name.
create view joined.order_lines as
select
    r.product_type,
    l.*
from sources.order_lines as l
join (select distinct on (product_id) * from sources.products) as r on r.product_id = l.product_id;

-- The collection: one row an id, its text made from its columns; ids with one text are one document.
create view collection as
select
    product_type::varchar as item_id,
    ltrim(trim(regexp_replace(concat(
            nullif(trim(product_type::varchar), ''),
            ', ' || nullif(trim(product_category::varchar), ''),
            ', ' || nullif(trim(department::varchar), '')
        ), '\s+', ' ', 'g')), ' ,;:|/-') as text
from sources.products;

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
select 'order_lines_without_products', (select count(*) from sources.order_lines) - (select count(*) from joined.order_lines)
union all
select 'source_rows', count(*) from joined.order_lines;

-- Another seed gives another split.
create macro seed() as 0;

-- What is held out to report on and to choose by, in ten thousandths.
create macro test_share() as 2500;
create macro dev_share() as 1500;

-- Held-out documents neither train nor lend their counts.
create macro role_of(unit) as case
    when bucket('item/' || seed() || '/' || unit) < test_share() then 'test'
    when bucket('item/' || seed() || '/' || unit) < test_share() + dev_share() then 'dev'
    else 'train'
end;

-- Groups are cut in two: one part trains, the other judges.
create macro fold_of(group_id, moment) as case
    when bucket('group/' || seed() || '/' || group_id) < 5000 then 'judge'
    else 'train'
end;

create table judging as
select split, fold
from (values ('dev', 'judge'), ('test', 'judge')) as t (split, fold);

-- How often a pair must have met to train, and to be judged relevant.
create macro min_count() as 5;
create macro judged_min_count() as 5;

-- The events: this item stood in that group.
create view events as
select
    basket_id::varchar as group_id,
    product_type::varchar as item_id,
    null::timestamp as moment
from joined.order_lines;

-- Which item stood in which group, and whether that group trains or judges.
create table memberships as
select distinct fold_of(e.group_id, e.moment) as fold, hash(e.group_id) as group_key, i.number
from events as e
join items as i on i.item_id = e.item_id
where e.group_id is not null;

-- The corpus: the documents that stood in enough groups, by id.
create table documents as
with met as (
    select number, count(*) as groups
    from memberships
    group by number
)
select
    (row_number() over (order by i.doc_id) - 1)::integer as doc,
    i.doc_id,
    i.text,
    role_of(i.unit) as role,
    i.number
from items as i
left join met as m on m.number = i.number
where i.item_id = i.doc_id and coalesce(m.groups, 0) >= 100;

create view questions as
select doc as query, doc_id as query_id, text, doc
from documents;

-- Groups of a useful size, whole: a group with events on both sides of a date is left out.
create table sized as
select
    group_key,
    min(fold) as fold,
    count(*) as items,
    case
        when min(fold) <> max(fold) then 'cut'
        when count(*) < 2 then 'too small'
        when count(*) > 60 then 'too large'
        else 'kept'
    end as fate
from memberships
where fold is not null
group by group_key;

create table groups as
select group_key, fold
from sized
where fate = 'kept';

create table occurrences as
select g.fold, g.group_key, d.doc
from memberships as m
join groups as g on g.group_key = m.group_key and g.fold = m.fold
join documents as d on d.number = m.number;

create table totals as
select fold, count(*) as total
from groups
group by fold;

create table frequencies as
select fold, doc, count(*) as seen
from occurrences
group by fold, doc;

-- How often two documents met. A document in fewer groups than a pair needs is left out before the join.
create table pair_counts as
with frequent as (
    select o.fold, o.group_key, o.doc
    from occurrences as o
    join frequencies as f on f.fold = o.fold and f.doc = o.doc
    where f.seen >= least(min_count(), judged_min_count())
)
select a.fold, a.doc as one, b.doc as other, count(*) as together
from frequent as a
join frequent as b on b.fold = a.fold and b.group_key = a.group_key and b.doc > a.doc
group by a.fold, a.doc, b.doc
having count(*) >= least(min_count(), judged_min_count());

-- Lift, n_ab N / (n_a n_b), at the lower end of its 95 % interval: the score interval of a Poisson count n is
-- n + z^2 / 2 -+ z sqrt(n + z^2 / 4) with z = 1.96. Above 1, the pair meets more often than chance has it.
create table associations as
with directed as (
    select fold, one as doc, other as partner, together from pair_counts
    union all
    select fold, other as doc, one as partner, together from pair_counts
)
select
    d.fold,
    d.doc,
    d.partner,
    d.together,
    (d.together + 1.9208 - 1.96 * sqrt(d.together + 0.9604)) * t.total / (a.seen * b.seen) as lift
from directed as d
join totals as t on t.fold = d.fold
join frequencies as a on a.fold = d.fold and a.doc = d.doc
join frequencies as b on b.fold = d.fold and b.doc = d.partner
where (d.together + 1.9208 - 1.96 * sqrt(d.together + 0.9604)) * t.total > a.seen * b.seen;

-- What is known from the training groups: partners and popularity of the documents that are not held out.
create table partners as
select a.doc, a.partner, a.together, a.lift
from associations as a
join documents as d on d.doc = a.doc
join documents as p on p.doc = a.partner
where a.fold = 'train' and a.together >= min_count() and d.role in ('train', 'known') and p.role in ('train', 'known');

create table popularity as
select f.doc, f.seen
from frequencies as f
join documents as d on d.doc = f.doc
where f.fold = 'train' and d.role in ('train', 'known');

-- Training pairs: the best partners of each document.
create table pairs as
select doc as anchor, partner as positive, together, lift
from partners
qualify row_number() over (partition by doc order by lift desc, partner) <= 20;

-- Every pair is drawn once an epoch.
create table training as
select anchor, positive
from pairs;

-- Judgments: the best partners of each query in groups that did not train.
create table qrels as
select j.split, a.doc as query, a.partner as doc, 1 as grade
from judging as j
join associations as a on a.fold = j.fold
join documents as d on d.doc = a.doc
where d.role in (j.split, 'known') and a.together >= judged_min_count()
qualify row_number() over (partition by j.split, a.doc order by a.lift desc, a.partner) <= 20;

-- What became of the events and groups, for the checks: all that were left out, by reason, and those that were kept.
create table summary as
with given as (
    select
        count(*) as amount,
        count(*) filter (where group_id is null) as without_group,
        count(*) filter (where group_id is not null and (item_id is null or item_id not in (select item_id from items)))
            as without_item
    from events
), used as (
    select count(*) as amount, count(*) filter (where fold is null) as on_no_side from memberships
)
select 'events' as what, amount from given
union all
select 'events_without_group', without_group from given
union all
select 'events_without_item', without_item from given
union all
select 'events_repeated', given.amount - without_group - without_item - used.amount from given, used
union all
select 'events_on_no_side', on_no_side from used
union all
select 'events_in_groups_' || replace(fate, ' ', '_'), sum(items) from sized where fate <> 'kept' group by fate
union all
select 'events_of_rare_items', (select coalesce(sum(items), 0) from sized where fate = 'kept') - (select count(*) from occurrences)
union all
select 'events_kept', count(*) from occurrences
union all
select 'groups_' || replace(fate, ' ', '_'), count(*) from sized where fate <> 'kept' group by fate
union all
select 'groups_' || fold, count(*) from groups group by fold
union all
select what, amount from readings
union all
select 'first_moment', epoch_us(min(moment)) from events having min(moment) is not null
union all
select 'last_moment', epoch_us(max(moment)) from events having max(moment) is not null;
