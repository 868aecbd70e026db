mod backup;
mod durability;
mod query_plans;
mod readers;
mod restore;
mod retry_cost;
mod sqlite_version;
