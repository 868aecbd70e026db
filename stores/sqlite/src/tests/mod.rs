mod durability;
mod query_plans;
mod retry_cost;
