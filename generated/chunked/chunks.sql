-- Which chunk of a document trains for a query. Nobody said which one answers: the one that shares most with the query,
-- words weighted by how rare they are among the chunks; the first of several.
-- DuckDB's dialect; prepare.py runs it.

create macro words_of(text) as regexp_extract_all(lower(text), '[\pL\pN]+');

create table chunk_words as
select distinct doc, place, unnest(words_of(text)) as word
from chunks;

create table rarity as
select word, ln(1 + (select count(*) from chunks) / count(*)) as weight
from chunk_words
group by word;

create table chosen as
with wanted as (
    select anchor as query, positive as doc from training
    group by all
), asked as (
    select distinct q.query, unnest(words_of(q.text)) as word
    from questions as q
    where q.query in (select query from wanted)
), scored as (
    select w.query, w.doc, c.place, round(sum(r.weight), 6) as score
    from wanted as w
    join asked as a on a.query = w.query
    join chunk_words as c on c.doc = w.doc and c.word = a.word
    join rarity as r on r.word = a.word
    group by all
)
select w.query, w.doc, coalesce(arg_max(s.place, (s.score, -s.place)), 0) as place
from wanted as w
left join scored as s on s.query = w.query and s.doc = w.doc
group by w.query, w.doc;

create view passages as
select c.query, c.doc, d.doc_id, k.text
from chosen as c
join chunks as k on k.doc = c.doc and k.place = c.place
join documents as d on d.doc = c.doc;
