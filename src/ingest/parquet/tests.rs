//! Tests of the Parquet reader on files made here.
