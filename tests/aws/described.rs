//! Properties of `template.yaml` that no emulator can show, read from the template.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};
use support::emulator::Emulator;

use crate::resolved::{Resolved, texts, transformed};

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
    assert_eq!(functions.len(), 5);
    for (name, function) in functions {
        assert_eq!(function["Role"]["Fn::GetAtt"][0], format!("{name}Role"));
        assert_eq!(function["LoggingConfig"]["LogGroup"]["Ref"], format!("{name}Log"));
        assert_eq!(function["LoggingConfig"]["LogFormat"], "JSON");
    }
    for (name, log) in of_type("AWS::Logs::LogGroup") {
        assert!(log.get("RetentionInDays").is_some(), "{name} is kept for ever");
    }
}

/// Actions that have no resource: the quota of the account, and traces.
const WITHOUT_RESOURCE: [&str; 3] = ["ses:GetSendQuota", "xray:PutTraceSegments", "xray:PutTelemetryRecords"];

#[test]
fn a_role_allows_named_actions_on_named_things() {
    let parameters = json!({ "Tracing": "true", "ArchiveBucket": "archive" });
    let template = Resolved::undeployed(parameters);
    let roles = template.of_type("AWS::IAM::Role");
    assert_eq!(roles.len(), 6, "one for each function, and one for the schedule");
    let mut documents = Vec::new();
    for (name, role) in roles {
        assert!(role.get("ManagedPolicyArns").is_none(), "{name} has a policy that others change");
        for policy in role["Policies"].as_array().unwrap() {
            documents.push((name.clone(), policy["PolicyDocument"].clone()));
        }
    }
    let policies = template.of_type("AWS::IAM::Policy").into_iter();
    documents.extend(policies.map(|(name, policy)| (name, policy["PolicyDocument"].clone())));
    for (name, document) in documents {
        for statement in document["Statement"].as_array().unwrap() {
            let allowed: BTreeSet<_> = statement.as_object().unwrap().keys().map(String::as_str).collect();
            assert_eq!(allowed, BTreeSet::from(["Action", "Effect", "Resource"]), "{name}: {statement}");
            for action in texts(&statement["Action"]) {
                assert!(!action.contains('*'), "{name} allows {action}");
                let on_everything = texts(&statement["Resource"]).contains(&"*".to_owned());
                assert_eq!(on_everything, WITHOUT_RESOURCE.contains(&action.as_str()), "{name} allows {action} on *");
            }
        }
    }
}

#[test]
fn the_schedule_may_run_retention_alone() {
    let template = Resolved::undeployed(json!({}));
    let roles = template.of_type("AWS::IAM::Role");
    let (_, role) = roles.iter().find(|(name, _)| name == "RetentionMinuteRole").unwrap();
    let [policy] = &role["Policies"].as_array().unwrap()[..] else { panic!("one policy: {role}") };
    let [statement] = &policy["PolicyDocument"]["Statement"].as_array().unwrap()[..] else { panic!("one statement") };
    assert_eq!(texts(&statement["Action"]), ["lambda:InvokeFunction"]);
    assert_eq!(texts(&statement["Resource"]), [template.attribute("Retention", "Arn")]);
    let trusted = &role["AssumeRolePolicyDocument"]["Statement"][0]["Principal"]["Service"];
    assert_eq!(texts(trusted), ["scheduler.amazonaws.com"]);
}

#[test]
fn only_retention_reaches_the_archive_and_only_its_bucket() {
    let [(_, policy)] = of_type("AWS::IAM::Policy")[..] else { panic!("one policy beside the roles") };
    assert_eq!(template()["Resources"]["ArchivePolicy"]["Condition"], "HasArchive");
    assert_eq!(policy["Roles"], json!([{ "Ref": "RetentionRole" }]));
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
fn what_happens_to_data_is_said_for_each_resource_that_has_some() {
    let resources = template()["Resources"].as_object().unwrap();
    let with_data = ["AWS::DynamoDB::Table", "AWS::SQS::Queue", "AWS::Logs::LogGroup"];
    for (name, resource) in resources.iter().filter(|(_, one)| with_data.iter().any(|kind| one["Type"] == *kind)) {
        let policies = (resource["DeletionPolicy"].as_str(), resource["UpdateReplacePolicy"].as_str());
        // The stack's end is the table's end, unless it is protected, which is the default. An update is not.
        let expected = if name == "Table" { "Retain" } else { "Delete" };
        assert_eq!(policies, (Some("Delete"), Some(expected)), "{name}");
    }
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
    assert_eq!(template()["Globals"]["Function"]["Tracing"]["Fn::If"], json!(["HasTracing", "Active", "PassThrough"]));
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
