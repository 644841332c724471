-- What a store sells and what it is made of. Every reference carries the store, so that no row can point into another one.

create table categories (
    id uuid primary key default gen_random_uuid(),
    store_id uuid not null,
    name text not null,
    description text,
    parent_id uuid,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint category_name_is_taken_in_store unique (store_id, name),
    constraint category_is_named_with_its_store unique (store_id, id),
    constraint category_belongs_to_store foreign key (store_id) references stores on delete cascade,
    constraint parent_category_is_of_same_store foreign key (store_id, parent_id) references categories (store_id, id),
    constraint category_name_is_not_blank check (btrim(name) <> ''),
    constraint category_is_not_its_own_parent check (parent_id <> id)
);

create table products (
    id uuid primary key default gen_random_uuid(),
    store_id uuid not null,
    category_id uuid,
    name text not null,
    unit text not null default 'porsi',
    price bigint, -- rupiah; null: unknown, as in a sales file without prices
    batch_size numeric(14,3) not null default 1, -- made in multiples of it
    shelf_life_days integer not null default 0, -- 0: sold on the day it is made
    is_active boolean not null default true,
    first_sold_on date,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint product_name_is_taken_in_store unique (store_id, name),
    constraint product_is_named_with_its_store unique (store_id, id),
    constraint product_belongs_to_store foreign key (store_id) references stores on delete cascade,
    constraint product_category_is_of_same_store foreign key (store_id, category_id) references categories (store_id, id),
    constraint product_name_is_not_blank check (btrim(name) <> ''),
    constraint product_unit_is_not_blank check (btrim(unit) <> ''),
    constraint product_price_is_not_negative check (price >= 0),
    constraint batch_size_is_positive check (batch_size > 0 and batch_size <> 'NaN'),
    constraint product_shelf_life_is_not_negative check (shelf_life_days >= 0)
);
create index products_by_category on products (category_id);

create table ingredient_catalog (
    id uuid primary key default gen_random_uuid(),
    store_id uuid not null,
    name text not null,
    category_id uuid,
    unit text not null,
    description text,
    pack_size numeric(14,3) not null default 1, -- in `unit`
    pack_price bigint, -- rupiah a pack; null: made in the store, or unknown
    shelf_life_days integer not null default 0,
    commodity text, -- which market price it follows
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint ingredient_name_is_taken_in_store unique (store_id, name),
    constraint ingredient_is_named_with_its_store unique (store_id, id),
    constraint ingredient_belongs_to_store foreign key (store_id) references stores on delete cascade,
    constraint ingredient_category_is_of_same_store foreign key (store_id, category_id) references categories (store_id, id),
    constraint ingredient_name_is_not_blank check (btrim(name) <> ''),
    constraint ingredient_unit_is_not_blank check (btrim(unit) <> ''),
    constraint pack_size_is_positive check (pack_size > 0 and pack_size <> 'NaN'),
    constraint pack_price_is_not_negative check (pack_price >= 0),
    constraint ingredient_shelf_life_is_not_negative check (shelf_life_days >= 0)
);
create index ingredient_catalog_by_commodity on ingredient_catalog (commodity) where commodity is not null;

-- A recipe makes a product, or an ingredient that other recipes use (dough, sambal).
create table recipes (
    id uuid primary key default gen_random_uuid(),
    store_id uuid not null,
    product_id uuid,
    ingredient_id uuid,
    yield_quantity numeric(14,3) not null, -- what one making gives, in `yield_unit`
    yield_unit text not null,
    waste_share numeric(5,4) not null default 0, -- of the yield that is lost before sale
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint one_recipe_per_product unique (product_id),
    constraint one_recipe_per_ingredient unique (ingredient_id),
    constraint recipe_is_named_with_its_store unique (store_id, id),
    constraint recipe_belongs_to_store foreign key (store_id) references stores on delete cascade,
    constraint recipe_product_is_of_same_store foreign key (store_id, product_id) references products (store_id, id) on delete cascade,
    constraint recipe_ingredient_is_of_same_store foreign key (store_id, ingredient_id) references ingredient_catalog (store_id, id) on delete cascade,
    constraint recipe_makes_exactly_one_thing check (num_nonnulls(product_id, ingredient_id) = 1),
    constraint yield_is_positive check (yield_quantity > 0 and yield_quantity <> 'NaN'),
    constraint yield_unit_is_not_blank check (btrim(yield_unit) <> ''),
    constraint waste_share_is_below_one check (waste_share >= 0 and waste_share < 1)
);

create table recipe_items (
    id uuid primary key default gen_random_uuid(),
    store_id uuid not null,
    recipe_id uuid not null,
    ingredient_id uuid not null,
    quantity numeric(14,3) not null, -- for one making, in `unit`
    unit text not null,
    created_at timestamptz not null default now(),
    constraint ingredient_is_listed_once_per_recipe unique (recipe_id, ingredient_id),
    constraint recipe_item_belongs_to_recipe foreign key (store_id, recipe_id) references recipes (store_id, id) on delete cascade,
    constraint recipe_item_ingredient_is_of_same_store foreign key (store_id, ingredient_id) references ingredient_catalog (store_id, id),
    constraint recipe_item_quantity_is_positive check (quantity > 0 and quantity <> 'NaN'),
    constraint recipe_item_unit_is_not_blank check (btrim(unit) <> '')
);
create index recipe_items_by_ingredient on recipe_items (ingredient_id);
create index recipe_items_by_store on recipe_items (store_id);

-- An ingredient may not be made from itself, through any number of recipes. The lock makes two writers of one store take
-- turns: each alone could be free of cycles, both together not. The recipe's own items are walked again at every change.
create function app.refuse_recipe_cycle() returns trigger
    language plpgsql
    as $$
declare
    changed_recipe uuid;
begin
    if tg_table_name = 'recipes' then changed_recipe := new.id; else changed_recipe := new.recipe_id; end if;
    perform pg_advisory_xact_lock(hashtextextended('recipes:' || new.store_id, 0));
    if exists (
        with recursive used as (
            select ri.ingredient_id
            from recipe_items ri
            where ri.recipe_id = changed_recipe
            union
            select ri.ingredient_id
            from used
            join recipes r on r.ingredient_id = used.ingredient_id
            join recipe_items ri on ri.recipe_id = r.id
        )
        select from used join recipes r on r.id = changed_recipe and r.ingredient_id = used.ingredient_id
    ) then
        raise exception 'recipe % would be made from itself', changed_recipe
            using errcode = 'check_violation', constraint = 'recipe_has_no_cycle', table = 'recipe_items',
                  hint = 'remove the ingredient that leads back to the recipe';
    end if;
    return null;
end
$$;
create constraint trigger recipe_has_no_cycle after insert or update on recipe_items
    deferrable initially immediate for each row execute function app.refuse_recipe_cycle();
create constraint trigger recipe_has_no_cycle after insert or update of ingredient_id on recipes
    deferrable initially immediate for each row execute function app.refuse_recipe_cycle();

create trigger touch_updated_at before update on categories for each row execute function app.touch_updated_at();
create trigger touch_updated_at before update on products for each row execute function app.touch_updated_at();
create trigger touch_updated_at before update on ingredient_catalog for each row execute function app.touch_updated_at();
create trigger touch_updated_at before update on recipes for each row execute function app.touch_updated_at();

call app.protect_tenant('categories');
call app.protect_tenant('products');
call app.protect_tenant('ingredient_catalog');
call app.protect_tenant('recipes');
call app.protect_tenant('recipe_items');

grant select, insert, update, delete on categories, products, ingredient_catalog, recipes, recipe_items to viralcast_serve;
