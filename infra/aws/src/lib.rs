//! DynamoDB, SQS, SES, SSM and Secrets Manager behind the ports, and the Lambda shells' shared glue.
