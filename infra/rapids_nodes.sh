#!/bin/bash
# Lets YARN hand out a node's GPUs: EMR 7's system has no cgroups of version 1, which it needs.
# https://docs.nvidia.com/spark-rapids/user-guide/latest/getting-started/aws-emr.html
set -ex
sudo mkdir -p /spark-rapids-cgroup/devices
sudo mount -t cgroup -o devices cgroupv1-devices /spark-rapids-cgroup/devices
sudo chmod a+rwx -R /spark-rapids-cgroup
