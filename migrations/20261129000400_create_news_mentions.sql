-- Which article was found under which topic, and when first: an article that is known already may be news to another topic.
create table news_mentions (
    source text not null,
    topic text not null,
    article_id uuid not null,
    available_at timestamptz not null, -- first found under the topic
    created_at timestamptz not null default now(),
    constraint article_is_mentioned_once primary key (source, topic, article_id),
    constraint mention_is_of_article foreign key (article_id) references news_articles on delete cascade
);
create index news_mentions_by_article on news_mentions (article_id);
-- What is mentioned is told by news_mentions.
drop index news_articles_by_topic;
alter table news_articles drop column topics;
grant select on news_mentions to viralcast_serve;
