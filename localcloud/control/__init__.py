"""Resources: moto as a library, CloudFormation, and what the templates say."""
