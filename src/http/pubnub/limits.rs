//! `/limits`.

use aggregates::pkgdeploy::Status;
use projections::query::{Filter, List, Operator, Scalar};
use serde_json::json;

use super::error::Error;
use super::reply::Reply;
use super::request::Request;

/// L1.
pub async fn running(request: Request) -> Result<Reply, Error> {
    request.must_be_allowed()?;
    let current = active(&request, request.at).await?;
    let most = request.app.config.pubnub_running_deployments;
    Ok(Reply::data(
        200,
        json!({
            "name": "max_running_package_deployments",
            "description": "Maximum number of running package deployments",
            "maxValue": most.to_string(),
            "currentValue": current.to_string(),
        }),
    ))
}

/// How many deployments of the account run, or are being started or stopped.
pub async fn active(request: &Request, at: Option<u64>) -> Result<u32, Error> {
    let active = [Status::Starting, Status::Running, Status::Stopping];
    let view = request.app.reads.view(at);
    let mut total = 0;
    // Each value by itself is found by the index.
    for status in active {
        let list = List {
            filters: vec![Filter::Compare {
                column: "status",
                operator: Operator::Equal,
                values: vec![Scalar::Text(status.as_str().to_owned())],
            }],
            limit: 1,
            count_up_to: Some(u32::MAX),
            ..List::default()
        };
        let page = view.package_deployments(request.project.as_str(), &list);
        total += page.await?.total;
    }
    Ok(total)
}
