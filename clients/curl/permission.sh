# Sourced: answers the permission prompt of a virtual iPhone, through the device's HTTP API.
