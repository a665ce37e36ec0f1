select 1 as embedded;
