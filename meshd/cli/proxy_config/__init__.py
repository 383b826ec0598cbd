"""`meshctl proxy-config`: one file a type of resource."""
