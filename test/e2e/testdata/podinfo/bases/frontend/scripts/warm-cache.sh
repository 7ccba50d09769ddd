#!/bin/sh
echo "warming"
