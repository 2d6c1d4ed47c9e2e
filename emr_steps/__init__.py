"""Programs that run as steps of EMR: mrjob jobs and Spark programs."""
