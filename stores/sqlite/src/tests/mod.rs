mod backup;
mod durability;
mod query_plans;
mod readers;
mod retry_cost;
mod sqlite_version;
