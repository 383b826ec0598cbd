"""What every floor may use: errors, units, host names, labels, addresses. Pure."""
