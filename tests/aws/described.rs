//! Properties of `template.yaml` that no emulator can show, read from the template.

use std::collections::BTreeSet;

use serde_json::{Map, Value};
use support::emulator::Emulator;

use crate::resolved::transformed;

fn template() -> &'static Value {
    Emulator::shared().template()
}

fn of_type(kind: &str) -> Vec<(&'static String, &'static Value)> {
    let resources = template()["Resources"].as_object().unwrap();
    resources
        .iter()
        .filter(|(_, resource)| resource["Type"] == kind)
        .map(|(name, one)| (name, &one["Properties"]))
        .collect()
}

fn keys(object: &Map<String, Value>) -> BTreeSet<&str> {
    object.keys().map(String::as_str).collect()
}

#[test]
fn it_sets_exactly_what_the_code_reads() {
    let variables = &template()["Globals"]["Function"]["Environment"]["Variables"];
    assert_eq!(keys(variables.as_object().unwrap()), BTreeSet::from(aws::settings::VARIABLES));
    for (name, function) in of_type("AWS::Serverless::Function") {
        assert!(function.get("Environment").is_none(), "{name} has variables of its own");
    }
}

#[test]
fn every_function_has_a_role_and_a_log_of_its_own() {
    let functions = of_type("AWS::Serverless::Function");
    assert_eq!(functions.len(), 4);
    for (name, function) in functions {
        assert_eq!(function["Role"]["Fn::GetAtt"][0], format!("{name}Role"));
        assert_eq!(function["LoggingConfig"]["LogGroup"]["Ref"], format!("{name}Log"));
        assert_eq!(function["LoggingConfig"]["LogFormat"], "JSON");
    }
    for (name, log) in of_type("AWS::Logs::LogGroup") {
        assert!(log.get("RetentionInDays").is_some(), "{name} is kept for ever");
    }
}

#[test]
fn a_role_allows_named_actions_on_named_things() {
    for (name, role) in of_type("AWS::IAM::Role") {
        for statement in role["Policies"][0]["PolicyDocument"]["Statement"].as_array().unwrap() {
            let traced = &statement["Fn::If"];
            if traced[0] == "HasTracing" {
                let actions = serde_json::json!(["xray:PutTraceSegments", "xray:PutTelemetryRecords"]);
                assert_eq!(traced[1]["Action"], actions, "{name}");
                continue;
            }
            let actions = statement["Action"].to_string();
            assert!(!actions.contains('*'), "{name} allows {actions}");
            // The quota of the account has no resource.
            let has_resource = actions != "\"ses:GetSendQuota\"";
            assert!(!has_resource || statement["Resource"] != "*", "{name} allows {actions} on everything");
        }
    }
}

#[test]
fn only_retention_reaches_the_archive_and_only_its_bucket() {
    let [(_, policy)] = of_type("AWS::IAM::Policy")[..] else { panic!("one policy beside the roles") };
    assert_eq!(template()["Resources"]["ArchivePolicy"]["Condition"], "HasArchive");
    assert_eq!(policy["Roles"], serde_json::json!([{ "Ref": "RetentionRole" }]));
    let statements = policy["PolicyDocument"]["Statement"].as_array().unwrap();
    let allowed: BTreeSet<_> = statements
        .iter()
        .map(|one| (one["Action"].to_string(), one["Resource"]["Fn::Sub"].as_str().unwrap()))
        .collect();
    let bucket = "arn:${AWS::Partition}:s3:::${ArchiveBucket}";
    let objects = format!("{bucket}/*");
    assert_eq!(
        allowed,
        BTreeSet::from([
            (r#""s3:ListBucket""#.to_owned(), bucket),
            (r#"["s3:GetObject","s3:PutObject","s3:DeleteObject"]"#.to_owned(), &objects),
        ])
    );
    for (name, role) in of_type("AWS::IAM::Role") {
        assert!(!role.to_string().contains("s3:"), "{name} reaches S3");
    }
}

#[test]
fn an_archive_that_is_late_is_told_of_long_before_anything_is_deleted() {
    let alarm = &template()["Resources"]["ArchiveLagAlarm"];
    assert_eq!(alarm["Condition"], "HasArchive");
    let alarm = &alarm["Properties"];
    assert_eq!(alarm["MetricName"], domain::metric::Metric::ArchiveLag.name());
    assert_eq!(alarm["TreatMissingData"], "breaching");
    let told_after = jiff::SignedDuration::from_millis(alarm["Threshold"].as_i64().unwrap());
    assert!(told_after * 10 < aws::ARCHIVE_GRACE, "{told_after:?}");
}

#[test]
fn data_outlives_mistakes() {
    let [(_, table)] = of_type("AWS::DynamoDB::Table")[..] else { panic!("one table") };
    assert_eq!(table["TimeToLiveSpecification"]["AttributeName"], "ttl");
    assert_eq!(table["TimeToLiveSpecification"]["Enabled"], true);
    let recovery = &table["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"];
    assert_eq!(recovery["Ref"], "PointInTimeRecovery");
    assert_eq!(template()["Parameters"]["PointInTimeRecovery"]["Default"], "true");
    assert_eq!(table["SSESpecification"]["SSEEnabled"], true);
    assert_eq!(table["DeletionProtectionEnabled"]["Ref"], "DeletionProtection");
    assert_eq!(template()["Parameters"]["DeletionProtection"]["Default"], "true");
}

#[test]
fn the_queue_is_patient() {
    let resources = &template()["Resources"];
    let (queue, dispatch) = (&resources["Queue"]["Properties"], &resources["Dispatch"]["Properties"]);
    assert!(queue["VisibilityTimeout"].as_u64().unwrap() >= 6 * dispatch["Timeout"].as_u64().unwrap());
    assert!(queue["RedrivePolicy"]["maxReceiveCount"].as_u64().unwrap() >= 5);
    let source = &dispatch["Events"]["Work"]["Properties"];
    assert_eq!(source["FunctionResponseTypes"][0], "ReportBatchItemFailures");
    for (name, queue) in of_type("AWS::SQS::Queue") {
        assert_eq!(queue["SqsManagedSseEnabled"], true, "{name}");
    }
}

/// A resource with a name of its own exists once in an account and region: a second stack could not be created.
#[test]
fn a_second_stack_fits_beside_the_first() {
    let names = [
        "AlarmName",
        "BucketName",
        "FunctionName",
        "GroupName",
        "LogGroupName",
        "Name",
        "QueueName",
        "RoleName",
        "TableName",
        "TopicName",
    ];
    let transformed = transformed();
    let resources = transformed["Resources"].as_object().unwrap();
    assert_eq!(resources["RetentionMinute"]["Type"], "AWS::Scheduler::Schedule");
    for (resource, description) in resources {
        for name in names {
            let value = &description["Properties"][name];
            assert!(!value.is_string(), "{resource} has the name {value} in every stack");
        }
    }
}

#[test]
fn a_failed_run_of_retention_is_repeated_by_the_next_minute_alone() {
    let transformed = transformed();
    let resources = transformed["Resources"].as_object().unwrap();
    let retries =
        |retries: &Value| (retries["MaximumRetryAttempts"].clone(), retries["MaximumEventAgeInSeconds"].clone());
    let none = (Value::from(0), Value::from(60));
    let asynchronous = &resources["RetentionEventInvokeConfig"];
    assert_eq!(asynchronous["Type"], "AWS::Lambda::EventInvokeConfig");
    assert_eq!(asynchronous["Properties"]["FunctionName"]["Ref"], "Retention");
    assert_eq!(retries(&asynchronous["Properties"]), none);
    assert_eq!(retries(&resources["RetentionMinute"]["Properties"]["Target"]["RetryPolicy"]), none);
}

#[test]
fn lambda_drops_no_line_that_the_functions_log() {
    for (name, function) in of_type("AWS::Serverless::Function") {
        assert_eq!(function["LoggingConfig"]["ApplicationLogLevel"], "TRACE", "{name}");
    }
}

#[test]
fn a_delivery_may_go_back_to_the_queue_as_often_as_it_must() {
    let transformed = transformed();
    assert_eq!(transformed["Resources"]["Dispatch"]["Properties"]["RecursiveLoop"], "Allow");
}

#[test]
fn what_costs_money_or_concurrency_is_a_choice() {
    let parameters = &template()["Parameters"];
    assert_eq!(
        template()["Globals"]["Function"]["Tracing"]["Fn::If"],
        serde_json::json!(["HasTracing", "Active", "PassThrough"])
    );
    assert_eq!(parameters["Tracing"]["Default"], "false");
    let source = &template()["Resources"]["Dispatch"]["Properties"]["Events"]["Work"]["Properties"];
    assert_eq!(source["ScalingConfig"]["MaximumConcurrency"]["Ref"], "DispatchConcurrency");
    // Lambda's limits of an event source's concurrency.
    assert_eq!(
        (&parameters["DispatchConcurrency"]["MinValue"], &parameters["DispatchConcurrency"]["MaxValue"]),
        (&2.into(), &1000.into())
    );
    let [(_, table)] = of_type("AWS::DynamoDB::Table")[..] else { panic!("one table") };
    assert_eq!(table["TableClass"]["Ref"], "TableClass");
    assert_eq!(parameters["TableClass"]["Default"], "STANDARD");
}
